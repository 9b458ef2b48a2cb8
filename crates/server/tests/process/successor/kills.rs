//! `kill -9` of the first or of the second, before, while and after the place changes hands: the one that lives serves,
//! and what is believed afterwards is true.
//!
//! `HAND_OVER_KILLS` is how often (8 if not set, 100 in a night), `KILLS_SEED` what is random; a failure names both.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use super::Place;
use crate::kills::{Chance, Client, Manner, all, check_store, check_stream, manner, pass, upstream};
use crate::support::{PATIENCE, Recorder};

/// Streams that are begun before the second is started, and as many after.
const LIVE: u64 = 12;
/// A kill comes before so many things have happened at the upstream, after the second was started.
const MOMENTS: u64 = 1500;

/// A process that is starting. It serves once it has said so.
struct Starting {
    child: std::process::Child,
    says: Receiver<String>,
}

impl Starting {
    fn new(place: &Place) -> Self {
        let mut child = place.command(&[]).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, says) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let _ = stdout.read_line(&mut line);
            let _ = sender.send(line);
        });
        Self { child, says }
    }

    fn serves(self, place: &Place) -> Recorder {
        let line = self.says.recv_timeout(PATIENCE).expect("it serves");
        assert!(line.contains("listening"), "it ended without a word");
        Recorder { child: self.child, address: place.address() }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Starts something, as a client does: again and again until it is answered.
fn starts(recorder: &Recorder, told: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = TcpStream::connect(recorder.address).and_then(|mut stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(b"GET /demo/alive HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
            let mut status = [0; 12];
            stream.read_exact(&mut status)?;
            Ok(String::from_utf8_lossy(&status).into_owned())
        });
        match answer {
            Ok(status) if status == "HTTP/1.1 200" => return,
            answer => assert!(Instant::now() < until, "nobody serves: {answer:?}, {told}"),
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_either_at_random_moments() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let kills = number("HAND_OVER_KILLS").unwrap_or(8);
    let first_seed = number("KILLS_SEED").unwrap_or_else(|| u64::from(std::process::id()) * 1000);
    println!("HAND_OVER_KILLS={kills} KILLS_SEED={first_seed}");
    let mut tally: HashMap<String, usize> = HashMap::new();
    for seed in first_seed..first_seed + kills {
        let mut chance = Chance(seed);
        let told = format!("KILLS_SEED={seed}");
        println!("{told}");
        let place = Place::new();
        let (upstream, log) = upstream(seed).await;
        let first = place.start();
        let client = Client::new(&first, upstream);
        let begin = |streams: std::ops::Range<u64>| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { all(streams, &client, "restart").await })
        };
        // One goes on, so that there are moments whatever the others do.
        let lasting = (2 * LIVE..).find(|n| manner(seed, *n) == Manner::Goes).unwrap();
        let lasts = begin(lasting..lasting + 1);
        let before = begin(0..LIVE);
        pass(&log, chance.below(200)).await;
        let second = Starting::new(&place);
        let after = begin(LIVE..2 * LIVE);
        pass(&log, chance.below(MOMENTS)).await;

        let kills_first = chance.below(2) == 0;
        *tally.entry(if kills_first { "the first" } else { "the second" }.into()).or_default() += 1;
        let survivor = if kills_first {
            first.kill();
            second.serves(&place)
        } else {
            second.kill();
            first
        };
        let told_too = told.clone();
        let survivor = tokio::task::spawn_blocking(move || {
            starts(&survivor, &told_too);
            survivor
        });
        survivor.await.unwrap().kill();
        let mut seen = before.await.unwrap();
        seen.extend(after.await.unwrap());
        seen.extend(lasts.await.unwrap());

        let third = place.start();
        check_store(place.path());
        let client = Client::new(&third, upstream);
        let streams = 0..2 * LIVE;
        let mut replays = all(streams.clone(), &client, "replay").await;
        replays.extend(all(lasting..lasting + 1, &client, "replay").await);
        let asked_before = log.lock().unwrap().asked.clone();
        for n in streams.chain([lasting]).filter(|n| asked_before.contains_key(n)) {
            let again = client.ask(n, "restart").await.expect("an answer");
            let replay = replays[&n].as_ref().expect("an answer");
            let sent = log.lock().unwrap().sent.get(&n).copied().unwrap_or(0);
            let result = std::panic::catch_unwind(|| {
                check_stream(n, seed, sent, seen[&n].as_ref(), replay, &again);
            });
            assert!(result.is_ok(), "stream {n}, {:?}, {told}", manner(seed, n));
            *tally.entry(replay.state.clone()).or_default() += 1;
        }
        let asked = &log.lock().unwrap().asked;
        assert!(asked.values().all(|times| *times == 1), "an upstream was asked twice, {told}");
    }
    println!("{tally:?}");
}
