process STAGE_COMMAND {
    tag "${name}"
    label 'compute'

    input:
    tuple val(name), path(task_file)

    output:
    tuple val(name), path(task_file), path('staged'), emit: staged

    script:
    """
    stage_command.py ${task_file}
    """

    stub:
    """
    mkdir staged
    """
}
