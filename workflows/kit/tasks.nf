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
        ask(plan.asks ?: [:])
        if (task_files || plan.dry_run) {       // else the summary says them
            plan.notes.each { note -> println("note: ${note}") }
        }
        if (plan.text) {
            println(plan.text)
        }
        [plan_file, task_files]
    }
    return said_ch.filter { plan_file, task_files -> task_files && !read(plan_file).compare }
}

// The plan, if what is recorded is to be compared with its source before it is planned anew.
def toCompare(plan_ch) {
    return plan_ch.filter { plan_file, task_files -> task_files && read(plan_file).compare }
}

// Once, when all tasks that compare have ended: [receipts.jsonl, ...] of those that did not die.
def whenCompared(compare_ch, compared_ch) {
    return compare_ch
        .combine(compared_ch.map { _name, receipts -> receipts }.toList())
        .map { items ->
            if (items.size() == 2) {
                error('blocks look changed, or were dropped, and none could be compared, as the tasks for it failed: run again, or go on with what is recorded by --source_changes keep')
            }
            items.drop(2)
        }
}

// Hands what the tasks of each process and size ask for, [LABEL_BLOCK: [[memory: 2000000000, seconds: 10, ...],
// ...], ...], to conf/processes.config. Nextflow has no other way that an array of jobs can go: its
// directives are those of the process, evaluated without any task's inputs.
def ask(asks) {
    def asked = asks.collectEntries { name, sizes ->
        sizes.withIndex().collectEntries { own, size ->
            [name == 'COMPARE' ? 'BEGIN:COMPARE' : "${name}:${['TASK', 'TASK_M', 'TASK_L'][size]}".toString(), own]
        }
    }
    def of_block = [memory: asks.APPLY_BLOCK?.last()?.memory]       // what comes before and after a command
    ['STAGE', 'COLLECT'].each { step -> asked["COMMAND:${step}_COMMAND".toString()] = of_block }
    nextflow.Global.config.process.ext.asks = asked
    def local = (nextflow.Global.config.process.executor ?: 'local') == 'local'
    def most = nextflow.util.SysHelper.getAvailMemory()
    asks.each { name, sizes ->
        def memory = new nextflow.util.MemoryUnit(sizes.last().memory as long)
        if (local && memory > most) {
            println("note: a task of ${name} may take ${memory}, this machine has ${most}: it asks for all of it, and runs alone")
        }
    }
}

// One item a task: [task: 'LABEL_BLOCK-00000', process: 'LABEL_BLOCK', size: 0, after: ['PULL_BLOCK-00000', ...],
// name: 'LABEL_BLOCK-00000 0-512_0-512_0-64 ...', file: LABEL_BLOCK-00000.jsonl]. The trace lists names.
def tasksOf(plan_ch) {
    return plan_ch.flatMap { plan_file, task_files ->
        def files = task_files.collectEntries { file -> [file.baseName, file] }
        read(plan_file).tasks.collect { job ->
            def names = job.names ?: []
            def shown = names.size() <= 16 ? names : [names.first(), "... ${names.size()} ...", names.last()]
            job + [name: ([job.task] + shown).join(' '), file: files[job.task]]
        }
    }
}

// What RECORD said, all of it, unless one RECORD had all tasks and has summed them up itself.
def toSumUp(recorded_ch) {
    return recorded_ch.toList().filter { batches -> !batches.any { batch -> read(batch).summed_up } }
}

def read(json_file) {
    return new groovy.json.JsonSlurper().parse(json_file)
}
