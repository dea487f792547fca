/*
 * Words of a list of files:  COUNT_WORDS -> ADD_WORDS
 */

include { COMPUTE as COUNT_WORDS ; COMPUTE as ADD_WORDS } from '../modules/task/main'

workflow TOY {
    take:
    task_ch     // [task: 'COUNT_WORDS-00000', process: 'COUNT_WORDS', after: [], ...]

    main:
    COUNT_WORDS('COUNT_WORDS', task_ch, channel.empty())
    ADD_WORDS('ADD_WORDS', task_ch, COUNT_WORDS.out)
    done_ch = COUNT_WORDS.out.mix(ADD_WORDS.out)

    emit:
    done_ch     // ['COUNT_WORDS-00000 ...', receipts.jsonl]
}
