// Run by `yarn node` in a project: Yarn's packages are zip files, which are a folder only to what it runs itself.
import module from 'node:module'
import { assertOursIn } from './tarball.js'

await assertOursIn(module.findPnpApi(process.cwd()).resolveToUnqualified('durablefetch', `${process.cwd()}/`))
