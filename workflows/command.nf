/*
 * A command line of somebody else's tool, in an image of the user's choice or without:
 *
 *   STAGE_COMMAND -> RUN_COMMAND (-> RUN_COMMAND_AGAIN) -> COLLECT_COMMAND
 *
 * The tool sees files and nothing else: what is ours comes before and after it.
 */

include { STAGE_COMMAND } from '../modules/stage_command/main'
include { RUN_COMMAND ; RUN_COMMAND as RUN_COMMAND_AGAIN } from '../modules/run_command/main'
include { COLLECT_COMMAND } from '../modules/collect_command/main'
include { whenReady } from '../modules/task/main'
include { read } from './kit/tasks'

workflow COMMAND {
    take:
    task_ch         // [task: 'COMMAND-00000', process: 'COMMAND', after: [], file: ...], or of APPLY_BLOCK, RUN_APP
    before_ch       // ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]

    main:
    own_ch = task_ch.filter { job -> job.process in ['COMMAND', 'APPLY_BLOCK', 'RUN_APP', 'RUN_GROUP'] }
    STAGE_COMMAND(whenReady(own_ch, before_ch).map { _size, name, file -> [name, file] })
    // ['COMMAND-00000', COMMAND-00000.jsonl, [directories of units]]
    staged_ch = STAGE_COMMAND.out.staged.map { name, task_file, staged ->
        [name.toString(), task_file, staged.listFiles() as List]
    }
    // [unit id, 'COMMAND-00000' of 3, directory]
    unit_ch = staged_ch.flatMap { name, _task_file, units ->
        units.collect { unit -> [unit.name, groupKey(name, units.size()), unit] }
    }
    // what is to be run: [unit id, [cores: 1, memory: 2000000000, seconds: 0], directory]
    run_ch = unit_ch
        .filter { _id, _name, unit -> !unit.resolve('refused').exists() }
        .map { id, _name, unit -> [id, read(unit.resolve('asks.json')), unit] }
    RUN_COMMAND(run_ch.map { id, asks, unit -> [id, asks, 1, unit] })
    tried_ch = RUN_COMMAND.out.attempt.branch { _id, attempt ->
        again: isWorthwhile(attempt)
        once: true
    }
    RUN_COMMAND_AGAIN(tried_ch.again.join(run_ch).map { id, _attempt, asks, unit -> [id, asks, 2, unit] })

    // what came of each, also where its task died: [unit id, [ID-1, ID-2]]
    once_ch = tried_ch.once.map { id, attempt -> [id, [attempt]] }
    twice_ch = tried_ch.again
        .join(RUN_COMMAND_AGAIN.out.attempt, remainder: true)
        .map { id, attempt, again -> [id, [attempt, again].findAll()] }
    refused_ch = unit_ch
        .filter { _id, _name, unit -> unit.resolve('refused').exists() }
        .map { id, _name, unit -> [id, [unit]] }
    // ['COMMAND-00000', COMMAND-00000.jsonl, [ID-1, ID-2, ...]]
    ended_ch = unit_ch
        .map { id, name, _unit -> [id, name] }
        .join(once_ch.mix(twice_ch, refused_ch))
        .map { _id, name, attempts -> [name, attempts] }
        .groupTuple(remainder: true)
        .map { name, attempts -> [name.toString(), attempts.flatten()] }
    collect_ch = staged_ch
        .map { name, task_file, _units -> [name, task_file] }
        .join(ended_ch, remainder: true)
        .map { name, task_file, attempts -> [name, task_file, attempts ?: []] }
    COLLECT_COMMAND(collect_ch)

    done_ch = COLLECT_COMMAND.out.receipts

    emit:
    done_ch         // ['COMMAND-00000 ...', receipts.jsonl]
}

// Whether another attempt may end better: a signal ended this one, as for too much memory.
def isWorthwhile(attempt) {
    return attempt.resolve('outcome').text =~ /(?m)^killed (memory|signal)$/
}
