/*
 * Words of a list of files:  PLAN -> COUNT_WORDS -> ADD_WORDS -> RECORD -> SUMMARY
 */

include { PLAN } from '../modules/plan/main'
include { COUNT_WORDS } from '../modules/count_words/main'
include { ADD_WORDS } from '../modules/add_words/main'
include { RECORD } from '../modules/record/main'
include { SUMMARY } from '../modules/summary/main'
include { conclude } from './kit/results'
include { toRun ; tasksOf ; whenReady ; progress ; toSumUp } from './kit/tasks'

workflow WORDS {
    take:
    run_json    // run.json
    described   // described.json: nothing, as no archive is asked

    main:
    PLAN(run_json, described, [])

    plan_ch = toRun(PLAN.out.plan)      // [plan.json, [COUNT_WORDS-00000.jsonl, ...]]
    task_ch = tasksOf(plan_ch)          // [task: 'COUNT_WORDS-00000', process: 'COUNT_WORDS', after: [], file: ...]

    COUNT_WORDS(whenReady('COUNT_WORDS', task_ch, channel.empty()))
    ADD_WORDS(whenReady('ADD_WORDS', task_ch, COUNT_WORDS.out.receipts))

    done_ch = COUNT_WORDS.out.receipts.mix(ADD_WORDS.out.receipts)
    batch_ch = done_ch
        .map { _name, receipts -> receipts }
        .buffer(size: 20, remainder: true)
    plan_json = plan_ch.map { plan, _task_files -> plan }

    RECORD(plan_json, batch_ch)
    progress(plan_ch, done_ch, RECORD.out.recorded)
    SUMMARY(plan_json, toSumUp(RECORD.out.recorded))
    conclude(plan_ch, PLAN.out.summary, SUMMARY.out.summary.mix(RECORD.out.summary))
}
