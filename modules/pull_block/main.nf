process PULL_BLOCK {
    tag "${name}"
    label 'intern'
    label 'compute'
    label 'archive'
    label 'process_low'

    input:
    tuple val(name), path(task_file)

    output:
    tuple val(name), path('receipts.jsonl'), emit: receipts

    script:
    """
    pull_block.py ${task_file}
    """

    stub:
    """
    touch receipts.jsonl
    """
}
