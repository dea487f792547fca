// The peer of rerun.py: tasks that `-resume` finds in Nextflow's cache, each with a file as result.

params.tasks = 10000

process TRIVIAL {
    input:
    val number

    output:
    path 'result.txt'

    script:
    """
    echo ${number} > result.txt
    """
}

workflow {
    TRIVIAL(channel.of(1..params.tasks.toInteger()))
    TRIVIAL.out.count().view { count -> "results: ${count}" }
}
