process STITCH {
    tag "${name}"
    label 'cc3d'
    label 'compute'
    label 'process_high_memory'

    input:
    tuple val(name), path(task_file)

    output:
    tuple val(name), path('receipts.jsonl'), emit: receipts

    script:
    """
    stitch.py ${task_file}
    """

    stub:
    """
    touch receipts.jsonl
    """
}
