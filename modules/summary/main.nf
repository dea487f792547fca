process SUMMARY {
    label 'head'
    label 'db'
    publishDir { params.outdir }, mode: 'copy', pattern: 'requests.csv'

    input:
    path plan
    path recorded, stageAs: 'recorded?.json'

    output:
    tuple path('summary.txt'), path('verdict.json'), path('requests.csv'), emit: summary

    script:
    """
    summary.py ${plan} ${recorded}
    """

    stub:
    """
    touch summary.txt
    echo '{"missing": null}' > verdict.json
    echo 'request,state,volume,components' > requests.csv
    """
}
