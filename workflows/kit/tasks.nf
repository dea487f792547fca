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
        ask(plan.asks)
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

// Hands what the tasks of each process ask for, [LABEL_BLOCK: [memory: 2000000000, seconds: 10], ...],
// to conf/base.config. Nextflow has no other way that an array of jobs can go: its directives are
// those of the process, evaluated without any task's inputs.
def ask(asks) {
    def local = (nextflow.Global.config.process?.executor ?: 'local') == 'local'
    def most = nextflow.util.SysHelper.getAvailMemory()
    asks.each { name, own ->
        ['', 'COMPARE_'].each { start ->
            System.setProperty("bossflow.${start}${name}.memory", "${own.memory}")
            System.setProperty("bossflow.${start}${name}.seconds", "${Math.ceil(own.seconds) as long}")
        }
        def memory = new nextflow.util.MemoryUnit(own.memory as long)
        if (local && memory > most) {
            println("note: a task of ${name} may take ${memory}, this machine has ${most}: it asks for all of it, and runs alone")
        }
    }
}

// One item a task: [task: 'LABEL_BLOCK-00000', process: 'LABEL_BLOCK', after: ['PULL_BLOCK-00000', ...],
// names: ['0-512_0-512_0-64', ...], file: LABEL_BLOCK-00000.jsonl]
def tasksOf(plan_ch) {
    return plan_ch.flatMap { plan_file, task_files ->
        def files = task_files.collectEntries { file -> [file.baseName, file] }
        read(plan_file).tasks.collect { job -> job + [file: files[job.task]] }
    }
}

// The tasks of a process, each when all tasks that it comes after are in done_ch, named with their
// units so that the trace lists them: ['LABEL_BLOCK-00000 0-512_0-512_0-64 ...', LABEL_BLOCK-00000.jsonl].
// One whose predecessors died never starts.
// done_ch: ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]
def whenReady(process_name, task_ch, done_ch) {
    def own_ch = task_ch
        .filter { job -> job.process == process_name }
        .map { job -> job + [name: ([job.task] + named(job.names ?: [])).join(' ')] }
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

// Says how far the run is when tasks are done or recorded: one line in ten seconds at most, and one
// when a stage ends; none in the first ten seconds.
// done_ch: ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]; recorded_ch: recorded.json
def progress(plan_ch, done_ch, recorded_ch) {
    def far_ch = plan_ch.map { plan_file, _task_files ->
        def jobs = read(plan_file).tasks
        def stages = jobs.groupBy { job -> job.process }.collectEntries { name, own ->
            [name, [name: name, unit: own.first().amount_unit, units: own*.units.sum(), done: 0, amount: 0, open: own.size(), tasks: own.size()]]
        }
        def start = System.currentTimeMillis()
        [
            jobs: jobs.collectEntries { job -> [job.task, job] },
            stages: stages,
            units: jobs*.units.sum(),
            recorded: 0,
            made: 0,                        // estimated seconds of what was computed, with starts
            left: jobs.sum { job -> job.seconds + 2 },      // and of what is to be done
            start: start,
            said: start,
        ]
    }
    done_ch
        .map { name, receipts -> [name.tokenize().first(), receipts] }
        .mix(recorded_ch.map { recorded -> [null, recorded] })
        .combine(far_ch)
        .subscribe { task, file, far ->
            def now = System.currentTimeMillis()
            def ended = task ? finish(far, far.jobs[task], file, now) : null
            if (!task) {
                def batch = read(file)
                far.recorded += (batch.recorded.values() + batch.known.values()).sum() ?: 0
            }
            if (now - far.start > 10000 && (ended || now - far.said > 10000)) {
                far.said = now
                println(howFar(far, ended, now))
            }
        }
}

// Counts a finished task in; returns its stage if that has ended.
def finish(far, job, receipts, now) {
    def stage = far.stages[job.process]
    def states = receipts.readLines().collect { line -> new groovy.json.JsonSlurper().parseText(line).state }
    def share = states.count('made') / job.units    // the rest was there, or failed: it took no time
    def ready = job.after.collect { before -> far.jobs[before].ended }.max() ?: far.start
    job.ended = now
    stage.start = [stage.start ?: ready, ready].min()
    stage.done += states.count('made') + states.count('reused')
    stage.amount += job.amount * share
    stage.open -= 1
    far.made += (job.seconds + 2) * share
    far.left -= job.seconds + 2
    return stage.open ? null : stage
}

// 'progress: LABEL_BLOCK 12 of 64, 38.2 Mvoxels/s; 24 of 257 units recorded; about 3 min left'
def howFar(far, ended, now) {
    def shown = far.stages.values().findAll { stage -> stage == ended || 0 < stage.open && stage.open < stage.tasks }
    def words = shown.collect { stage ->
        def speed = Math.round(stage.amount / Math.max(1, now - stage.start) / 100) / 10.0d
        "${stage.name} ${stage.done} of ${stage.units}" + (speed ? ", ${speed} M${stage.unit}/s" : '')
    }
    words << "${far.recorded} of ${far.units} units recorded"
    if (far.left > 0 && far.made >= [30, far.left / 10].min()) {      // before, no pace can be told
        def seconds = (now - far.start) / 1000 * far.left / far.made
        words << (seconds < 90
            ? "about ${Math.round(seconds)} s left"
            : seconds < 5400
                ? "about ${Math.round(seconds / 60)} min left"
                : "about ${Math.round(seconds / 360) / 10.0} h left")
    }
    return "progress: ${words.join('; ')}"
}

// What RECORD said, all of it, unless one RECORD had all tasks and has summed them up itself.
def toSumUp(recorded_ch) {
    return recorded_ch.toList().filter { batches -> !batches.any { batch -> read(batch).summed_up } }
}

// The units of a task for its name: all of some, the ends of many.
def named(names) {
    return names.size() <= 16 ? names : [names.first(), "... ${names.size()} ...", names.last()]
}

def read(json_file) {
    return new groovy.json.JsonSlurper().parse(json_file)
}
