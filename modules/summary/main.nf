process SUMMARY {
    label 'head'
    label 'record'

    input:
    path plan
    path recorded, stageAs: 'recorded?.json'

    output:
    tuple path('summary.txt'), path('requests.csv'), path('verdict.json'), emit: summary
    path 'page.json', emit: page, optional: true

    script:
    """
    summary.py ${plan} ${recorded}
    """

    stub:
    """
    touch summary.txt
    echo 'request,state,volume,components,name,source,resolution,box,directory,error' > requests.csv
    echo '{"missing": null}' > verdict.json
    """
}
