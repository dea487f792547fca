/*
 * How far a run is, while it goes on.
 */

include { read } from './tasks'

// Says it when tasks are done or recorded: one line in ten seconds at most, and one when a stage ends;
// none in the first ten seconds.
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
