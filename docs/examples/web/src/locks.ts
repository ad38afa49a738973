/** What one tab does at a time. Browsers know locks on secure pages; elsewhere every tab goes on. */
const isKnown = "locks" in navigator;

/** When its turn has come. */
export function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
  return isKnown ? (navigator.locks.request(name, work) as Promise<T>) : work();
}

/** Now, and false where it is being done already, here or in another tab. */
export async function unlessTaken(name: string, work: () => Promise<void>): Promise<boolean> {
  let isFree = true;
  if (!isKnown) await work();
  else
    await navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      isFree = lock !== null;
      return isFree ? work() : Promise.resolve();
    });
  return isFree;
}

export async function isTaken(name: string): Promise<boolean> {
  const held = isKnown ? (await navigator.locks.query()).held : [];
  return held?.some((lock) => lock.name === name) ?? false;
}
