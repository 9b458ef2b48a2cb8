import { withDurablefetch } from 'durablefetch-recorder/next'

export default withDurablefetch()
