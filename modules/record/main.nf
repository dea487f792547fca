process RECORD {
    label 'head'
    label 'record'
    maxForks 1

    input:
    path plan
    path receipts, stageAs: 'receipts?.jsonl'

    output:
    path 'recorded.json', emit: recorded
    tuple path('summary.txt'), path('requests.csv'), path('verdict.json'), emit: summary, optional: true
    path 'page.json', emit: page, optional: true
    path 'index.html', emit: whole, optional: true      // a page without pictures

    script:
    """
    record.py ${plan} ${receipts}
    """

    stub:
    """
    echo '{"recorded": {}, "known": {}, "summed_up": false}' > recorded.json
    """
}
