process DESCRIBE {
    label 'head'

    input:
    path run_json
    path schema
    path sheet, stageAs: 'sheet/*'

    output:
    path 'described.json', emit: described

    script:
    """
    describe.py ${run_json} ${schema} ${sheet}
    """

    stub:
    """
    echo '{"problem": null, "rows": [], "channels": []}' > described.json
    """
}
