/*
 * How every workflow begins: DESCRIBE looks at what is asked for, PLAN asks the database, and what is
 * recorded already is no task any more.
 */

include { DESCRIBE } from '../../modules/describe/main'
include { PLAN ; PLAN as PLAN_AGAIN } from '../../modules/plan/main'
include { TASK as COMPARE } from '../../modules/task/main'
include { toCompare ; whenCompared ; toRun ; tasksOf } from './tasks'

workflow BEGIN {
    take:
    asked       // [workflow: 'label', params: [...], run: [...]]
    schema      // nextflow_schema.json

    main:
    // What a user gives travels in files, never in a shell line; the sheet's name too.
    run_json = channel.of(groovy.json.JsonOutput.toJson(asked))
        .collectFile(name: 'run.json', cache: false)
        .first()
    sheet = []
    if (asked.params.input) {
        def sheet_file = file(asked.params.input, glob: false)
        sheet = channel.of(sheet_file)
            .collectFile(name: sheet_file.name.replaceAll(/^-|[^\w.-]/, '_'), cache: false)
            .first()
    }
    DESCRIBE(run_json, schema, sheet)
    PLAN(run_json, DESCRIBE.out.described, [])

    // Units whose files look changed are made again beside what is recorded, and planned anew.
    compare_ch = toCompare(PLAN.out.plan)   // [plan.json, [LABEL_BLOCK-00000.jsonl, ...]]
    COMPARE(tasksOf(compare_ch).map { job -> [job.name, job.file] })
    PLAN_AGAIN(run_json, DESCRIBE.out.described, whenCompared(compare_ch, COMPARE.out.receipts))

    plan_ch = toRun(PLAN.out.plan.mix(PLAN_AGAIN.out.plan)).first()
    task_ch = tasksOf(plan_ch)
    summary_ch = PLAN.out.summary.mix(PLAN_AGAIN.out.summary)

    emit:
    plan_ch     // [plan.json, [PULL_BLOCK-00000.jsonl, ...]], where there is something to run
    task_ch     // [task: 'PULL_BLOCK-00000', process: 'PULL_BLOCK', after: [], ...]
    summary_ch  // [summary.txt, requests.csv, verdict.json], where there is nothing
}
