process PLAN {
    label 'datajoint'
    label 'head'
    label 'db'

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
    """
    mkdir tasks
    touch tasks/PULL_BLOCK-00000.jsonl tasks/LABEL_BLOCK-00000.jsonl
    touch tasks/LINK_BLOCK-00000.jsonl tasks/STITCH-00000.jsonl tasks/RELABEL_BLOCK-00000.jsonl
    cat > plan.json <<'END'
    {"problem": null, "notes": [], "dry_run": false, "text": "", "run_id": "stub", "asks": {}, "tasks": [
      {"task": "PULL_BLOCK-00000", "process": "PULL_BLOCK", "after": [],
       "units": 1, "seconds": 1, "amount": 1, "amount_unit": "voxels"},
      {"task": "LABEL_BLOCK-00000", "process": "LABEL_BLOCK", "after": ["PULL_BLOCK-00000"],
       "units": 1, "seconds": 1, "amount": 1, "amount_unit": "voxels"},
      {"task": "LINK_BLOCK-00000", "process": "LINK_BLOCK", "after": ["LABEL_BLOCK-00000"],
       "units": 1, "seconds": 1, "amount": 1, "amount_unit": "voxels"},
      {"task": "STITCH-00000", "process": "STITCH",
       "after": ["LABEL_BLOCK-00000", "LINK_BLOCK-00000"],
       "units": 1, "seconds": 1, "amount": 0, "amount_unit": ""},
      {"task": "RELABEL_BLOCK-00000", "process": "RELABEL_BLOCK",
       "after": ["LABEL_BLOCK-00000", "STITCH-00000"],
       "units": 1, "seconds": 1, "amount": 1, "amount_unit": "voxels"}
    ]}
    END
    """
}
