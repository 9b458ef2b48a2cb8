import { afterNextRender, Component } from '@angular/core'
import { DurableFetchClient } from 'durablefetch'
import { answerInPage, imported, rendered } from './reload.mjs'

const seen: string = imported({ DurableFetchClient })

@Component({
  selector: 'app-root',
  template: `<p [attr.data-imported]="seen" [attr.data-rendered]="rendered"></p>`,
})
export class App {
  readonly seen = seen
  readonly rendered: string = rendered({ DurableFetchClient })

  constructor() {
    afterNextRender(() => void answerInPage({ DurableFetchClient }))
  }
}
