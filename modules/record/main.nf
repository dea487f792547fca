process RECORD {
    label 'head'
    label 'db'
    label 'record'
    maxForks 1

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
    echo '{"recorded": {}, "known": {}}' > recorded.json
    """
}
