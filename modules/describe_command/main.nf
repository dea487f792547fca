process DESCRIBE_COMMAND {
    label 'head'

    input:
    path run_json
    path rows, stageAs: 'rows.json'
    path tool

    output:
    path 'described.json', emit: described

    script:
    """
    describe_command.py ${run_json} ${rows} ${tool}
    """

    stub:
    """
    cp ${rows} described.json
    """
}
