process LABEL_BLOCK {
    tag "${name}"
    label 'cc3d'
    label 'compute'
    label 'source'
    label 'process_low'

    input:
    tuple val(name), path(task_file)

    output:
    tuple val(name), path('receipts.jsonl'), emit: receipts

    script:
    """
    label_block.py ${task_file}
    """

    stub:
    """
    touch receipts.jsonl
    """
}
