process RECORD {
    label 'head'
    label 'db'

    input:
    path plan
    path receipts, stageAs: 'receipts?.jsonl'

    output:
    path 'recorded.json', emit: recorded

    script:
    """
    record.py ${plan} ${receipts}
    """

    stub:
    """
    echo '{}' > recorded.json
    """
}
