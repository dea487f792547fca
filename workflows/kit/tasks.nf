/*
 * How every workflow runs the tasks that PLAN cut: each one when those before it are done.
 */

// What is recorded of a run, from Nextflow's `workflow`.
def facts(workflow) {
    return [
        name: workflow.runName,
        session: workflow.sessionId.toString(),
        start: workflow.start.toString(),
        user: workflow.userName,
        version: workflow.manifest.version,
        revision: workflow.revision,
        commit: workflow.commitId,
        nextflow: workflow.nextflow.version.toString(),
        profile: workflow.profile,
        launch_dir: workflow.launchDir.toString(),
        project_dir: workflow.projectDir.toString(),
        work_dir: workflow.workDir.toString(),
    ]
}

// The plan, if there is something to run: [plan.json, its task files]. Prints what PLAN has to say,
// and ends the run with one sentence if PLAN found a mistake.
def toRun(plan_ch) {
    // in map and not in filter: an error in the filter of a single value hangs the run
    def said_ch = plan_ch.map { plan_file, task_files ->
        def plan = read(plan_file)
        if (plan.problem) {
            error(plan.problem)
        }
        plan.notes.each { note -> println("note: ${note}") }
        if (plan.text) {
            println(plan.text)
        }
        [plan_file, task_files, plan.dry_run]
    }
    return said_ch
        .filter { _plan_file, _task_files, dry_run -> !dry_run }
        .map { plan_file, task_files, _dry_run -> [plan_file, task_files] }
}

// One item a task: [task: 'LABEL_BLOCK-00000', process: 'LABEL_BLOCK', after: ['PULL_BLOCK-00000', ...],
// blocks: ['0-512_0-512_0-64', ...], file: LABEL_BLOCK-00000.jsonl]
def tasksOf(plan_ch) {
    return plan_ch.flatMap { plan_file, task_files ->
        def files = task_files.collectEntries { file -> [file.baseName, file] }
        read(plan_file).tasks.collect { job -> job + [file: files[job.task]] }
    }
}

// The tasks of a process, each when all tasks that it comes after are in done_ch, named with their
// blocks so that the trace lists them: ['LABEL_BLOCK-00000 0-512_0-512_0-64 ...', LABEL_BLOCK-00000.jsonl].
// One whose predecessors died never starts.
// done_ch: ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]
def whenReady(process_name, task_ch, done_ch) {
    def own_ch = task_ch
        .filter { job -> job.process == process_name }
        .map { job -> job + [name: ([job.task] + (job.blocks ?: [])).join(' ')] }
    def free_ch = own_ch
        .filter { job -> !job.after }
        .map { job -> [job.name, job.file] }
    // one item a predecessor: ['PULL_BLOCK-00000', 'LABEL_BLOCK-00000 ...' of 4, LABEL_BLOCK-00000.jsonl]
    def waiting_ch = own_ch.flatMap { job ->
        job.after.collect { before -> [before, groupKey(job.name, job.after.size()), job.file] }
    }
    def freed_ch = done_ch
        .map { name, _receipts -> [name.tokenize().first()] }
        .combine(waiting_ch, by: 0)
        .map { _before, name, file -> [name, file] }
        .groupTuple()
        .map { name, files -> [name.toString(), files.first()] }
    return free_ch.mix(freed_ch)
}

// The end of a run: leaves requests.csv in outdir, prints the summary, and fails with one sentence if
// anything is missing. The failing would cut a publishDir off.
def conclude(summary_ch) {
    summary_ch.subscribe { summary, requests, verdict ->
        workflow.outputDir.mkdirs()
        requests.copyTo(workflow.outputDir.resolve(requests.name))
        println(summary.text)
        def missing = read(verdict).missing
        if (missing) {
            error("${missing}\nTo complete it: ${workflow.commandLine}")
        }
    }
}

def read(json_file) {
    return new groovy.json.JsonSlurper().parse(json_file)
}
