/*
 * Supervoxels of affinities:  PULL_BLOCK -> BASIN_BLOCK -> JOIN_BLOCK -> MERGE_BASINS -> NUMBER_BASINS
 */

include { COMPUTE as PULL_BLOCK ; COMPUTE as BASIN_BLOCK ; COMPUTE as JOIN_BLOCK } from '../modules/task/main'
include { COMPUTE as MERGE_BASINS ; COMPUTE as NUMBER_BASINS } from '../modules/task/main'

workflow WATERSHED {
    take:
    task_ch     // [task: 'PULL_BLOCK-00000', process: 'PULL_BLOCK', after: [], ...]

    main:
    PULL_BLOCK('PULL_BLOCK', task_ch, channel.empty())
    BASIN_BLOCK('BASIN_BLOCK', task_ch, PULL_BLOCK.out)
    JOIN_BLOCK('JOIN_BLOCK', task_ch, BASIN_BLOCK.out)
    MERGE_BASINS('MERGE_BASINS', task_ch, BASIN_BLOCK.out.mix(JOIN_BLOCK.out))
    NUMBER_BASINS('NUMBER_BASINS', task_ch, BASIN_BLOCK.out.mix(MERGE_BASINS.out))
    done_ch = PULL_BLOCK.out.mix(BASIN_BLOCK.out, JOIN_BLOCK.out, MERGE_BASINS.out, NUMBER_BASINS.out)

    emit:
    done_ch     // ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]
}
