/*
 * Meshes of segments:  PULL_BLOCK -> SURFACE_BLOCK -> INDEX_SURFACES -> MESH_BUCKET -> COLLECT_MESHES
 */

include { COMPUTE as PULL_BLOCK ; COMPUTE as SURFACE_BLOCK ; COMPUTE as INDEX_SURFACES } from '../modules/task/main'
include { COMPUTE as MESH_BUCKET ; COMPUTE as COLLECT_MESHES } from '../modules/task/main'

workflow MESH {
    take:
    task_ch     // [task: 'PULL_BLOCK-00000', process: 'PULL_BLOCK', after: [], ...]

    main:
    PULL_BLOCK('PULL_BLOCK', task_ch, channel.empty())
    SURFACE_BLOCK('SURFACE_BLOCK', task_ch, PULL_BLOCK.out)
    INDEX_SURFACES('INDEX_SURFACES', task_ch, SURFACE_BLOCK.out)
    MESH_BUCKET('MESH_BUCKET', task_ch, SURFACE_BLOCK.out.mix(INDEX_SURFACES.out))
    COLLECT_MESHES('COLLECT_MESHES', task_ch, INDEX_SURFACES.out.mix(MESH_BUCKET.out))
    done_ch = PULL_BLOCK.out.mix(SURFACE_BLOCK.out, INDEX_SURFACES.out, MESH_BUCKET.out, COLLECT_MESHES.out)

    emit:
    done_ch     // ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]
}
