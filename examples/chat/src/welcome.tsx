const IDEAS = ['Why do streams break?', 'Tell me a long story about a train', 'What happens when I close the tab?']

export function Welcome({ onPick }: { onPick: (text: string) => void }) {
  return (
    <section className="welcome">
      <h1>Ask something, then try to lose the answer.</h1>
      <p>Reload the page, open it in a second tab, switch chats, pull the plug. The answer goes on.</p>
      <div className="ideas">
        {IDEAS.map((idea) => (
          <button key={idea} onClick={() => onPick(idea)}>
            {idea}
          </button>
        ))}
      </div>
    </section>
  )
}
