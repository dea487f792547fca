/*
 * The units of a task file, by the program that the process is named after: COMPUTE is included under
 * its name (LABEL_BLOCK, for label_block.py). PLAN sorts units by what they ask for, and each size is a
 * process, as Nextflow gives all jobs of an array what its process asks for.
 *
 * The same three times, and nothing included: Nextflow's second parser takes no module that includes
 * others where it is included by several files.
 */

process TASK {
    tag "${name}"
    label 'compute'
    label 'array'

    input:
    tuple val(name), path(task_file)

    output:
    tuple val(name), path('receipts.jsonl'), emit: receipts

    script:
    """
    ${programOf(name)} ${task_file}
    """

    stub:
    """
    touch receipts.jsonl
    """
}

process TASK_M {
    tag "${name}"
    label 'compute'
    label 'array'

    input:
    tuple val(name), path(task_file)

    output:
    tuple val(name), path('receipts.jsonl'), emit: receipts

    script:
    """
    ${programOf(name)} ${task_file}
    """

    stub:
    """
    touch receipts.jsonl
    """
}

process TASK_L {
    tag "${name}"
    label 'compute'
    label 'array'

    input:
    tuple val(name), path(task_file)

    output:
    tuple val(name), path('receipts.jsonl'), emit: receipts

    script:
    """
    ${programOf(name)} ${task_file}
    """

    stub:
    """
    touch receipts.jsonl
    """
}

// The tasks of a process, each when all tasks that it comes after are in before_ch.
workflow COMPUTE {
    take:
    process_name    // 'LABEL_BLOCK'
    task_ch         // [task: 'LABEL_BLOCK-00000', process: 'LABEL_BLOCK', size: 0, after: [...], ...]
    before_ch       // ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]

    main:
    ready = whenReady(task_ch.filter { job -> job.process == process_name }, before_ch).branch { size, name, file ->
        small: size == 0
        return [name, file]
        medium: size == 1
        return [name, file]
        large: true
        return [name, file]
    }
    TASK(ready.small)
    TASK_M(ready.medium)
    TASK_L(ready.large)
    done_ch = TASK.out.receipts.mix(TASK_M.out.receipts, TASK_L.out.receipts)

    emit:
    done_ch         // ['LABEL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]
}

// label_block.py, for 'LABEL_BLOCK-00000 0-512_0-512_0-64 ...'
def programOf(name) {
    return "${name.tokenize('-').first().toLowerCase()}.py"
}

// Each task when those before it are done: [0, 'LABEL_BLOCK-00000 0-512_0-512_0-64 ...', LABEL_BLOCK-00000.jsonl].
// One whose predecessors died never starts.
def whenReady(own_ch, before_ch) {
    def free_ch = own_ch
        .filter { job -> !job.after }
        .map { job -> [job.size, job.name, job.file] }
    // one item a predecessor: ['PULL_BLOCK-00000', 'LABEL_BLOCK-00000 ...' of 4, 0, LABEL_BLOCK-00000.jsonl]
    def waiting_ch = own_ch.flatMap { job ->
        job.after.collect { before -> [before, groupKey(job.name, job.after.size()), job.size, job.file] }
    }
    def freed_ch = before_ch
        .map { name, _receipts -> [name.tokenize().first()] }
        .combine(waiting_ch, by: 0)
        .map { _before, name, size, file -> [name, size, file] }
        .groupTuple()
        .map { name, sizes, files -> [sizes.first(), name.toString(), files.first()] }
    return free_ch.mix(freed_ch)
}
