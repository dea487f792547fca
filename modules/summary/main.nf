process SUMMARY {
    label 'head'
    label 'record'

    input:
    path plan
    path recorded, stageAs: 'recorded?.json'

    output:
    tuple path('summary.txt'), path('requests.csv'), path('verdict.json'), emit: summary
    path 'page.json', emit: page, optional: true
    path 'index.html', emit: whole, optional: true      // a page without pictures

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

// The page of a run; here, as each file that is included costs time at every start. Tried twice: one start
// of tensorstore in a hundred aborted ("SetTimeZone() has already been called").
process PAGE {
    label 'head'

    input:
    path page_json

    output:
    path '{index.html,note.txt}', emit: page

    script:
    """
    page.py ${page_json} || page.py ${page_json} || echo 'no page was made: see .command.log of its task' > note.txt
    """

    stub:
    """
    touch index.html
    """
}
