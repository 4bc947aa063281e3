/** The promise, or a rejection when it takes longer than so many milliseconds. */
export function soon<T>(promise: Promise<T>, patienceMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error("no answer")), patienceMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
