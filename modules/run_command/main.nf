// Runs a tool that is not ours, by an engine or as it is: it sees files and nothing else.
process RUN_COMMAND {
    tag "${id}"
    cpus { task.executor in [null, 'local'] ? 2 * asks.cores : asks.cores }     // which counts half cores
    memory { new nextflow.util.MemoryUnit(asks.memory as long) * attempt }
    time { asks.seconds ? new nextflow.util.Duration(1000 * (asks.seconds + 600) as long) : null }
    disk { asks.disk ? new nextflow.util.MemoryUnit(asks.disk as long) : null }
    errorStrategy { task.attempt <= 2 ? 'retry' : 'ignore' }
    maxRetries 2
    resourceLimits { task.executor in [null, 'local'] ? [cpus: 2 * Runtime.runtime.availableProcessors(), memory: nextflow.util.SysHelper.getAvailMemory()] : [:] }

    input:
    tuple val(id), val(asks), val(attempt), path(unit)

    output:
    tuple val(id), path("${id}-${attempt}"), emit: attempt

    script:
    """
    run_command.sh ${unit} ${attempt} ${asks.cores} ${(asks.memory as long) * attempt} ${asks.seconds} ${workflow.sessionId} ${workflow.runName}
    """

    stub:
    """
    mkdir ${id}-${attempt}
    """
}
