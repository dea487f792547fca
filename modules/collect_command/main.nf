process COLLECT_COMMAND {
    tag "${name}"
    label 'compute'

    input:
    tuple val(name), path(task_file), path(attempts, stageAs: 'attempts/*')

    output:
    tuple val(name), path('receipts.jsonl'), emit: receipts

    script:
    """
    collect_command.py ${task_file}
    """

    stub:
    """
    touch receipts.jsonl
    """
}
