// What README tells a newcomer to do.
import { blocksOf } from '../../lib/blocks.js'

export const { file, command } = blocksOf('README.md')
