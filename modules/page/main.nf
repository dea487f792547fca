process PAGE {
    label 'head'

    input:
    path page_json

    output:
    path '{index.html,note.txt}', emit: page

    script:
    """
    page.py ${page_json} || echo 'no page was made: see .command.log of its task' > note.txt
    """

    stub:
    """
    touch index.html
    """
}
