process PLAN {
    label 'head'

    input:
    path run_json
    path described
    path compared, stageAs: 'compared?.jsonl'

    output:
    tuple path('plan.json'), path('tasks/*.jsonl', arity: '0..*'), emit: plan
    tuple path('summary.txt'), path('requests.csv'), path('verdict.json'), emit: summary, optional: true

    script:
    """
    plan.py ${run_json} ${described} ${compared}
    """

    stub:
    def heads = ['DESCRIBE', 'PLAN', 'PLAN_AGAIN', 'RECORD', 'SUMMARY', 'PAGE']
    def jobs = (nextflow.Global.config.process.ext.processes.keySet() - heads).collect { name ->
        [task: "${name}-00000", process: name, size: 0, after: [], units: 1, seconds: 1, amount: 1, amount_unit: 'units']
    }
    def plan = [problem: null, notes: [], dry_run: false, text: '', run_id: 'stub', asks: [:], tasks: jobs]
    """
    mkdir tasks
    touch ${jobs.collect { job -> "tasks/${job.task}.jsonl" }.join(' ')}
    cat > plan.json <<'END'
    ${groovy.json.JsonOutput.toJson(plan)}
    END
    """
}
