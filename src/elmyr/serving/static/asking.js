// How the page asks again and again and is told only what still counts.

// One question at a time: what is wanted while one is out is asked after it, once, as it then stands.
export function live(ask, settled, pause = 60) {
  let wanted = false;
  let running = false;
  let out = null;
  const wait = () => new Promise((resolve) => setTimeout(resolve, pause));

  async function go() {
    running = true;
    let error = null;
    while (wanted) {
      await wait();
      wanted = false;
      const mine = (out = new AbortController());
      error = await ask(mine.signal).then(
        () => null,
        (error) => (mine.signal.aborted ? null : error),
      );
    }
    running = false;
    settled(error);
  }

  return {
    want() {
      wanted = true;
      if (!running) go();
    },
    drop: () => out?.abort(),
  };
}

// Of several questions only the newest is answered; the others are given up.
export function newest() {
  let standing = null;
  return async (ask) => {
    standing?.abort();
    const mine = (standing = new AbortController());
    try {
      const answer = await ask(mine.signal);
      return mine.signal.aborted ? undefined : answer;
    } catch (error) {
      if (!mine.signal.aborted) throw error;
      return undefined;
    }
  };
}
