/** Numbers of a bar chart. */

/** The last days up to today, oldest first; days of which nothing was told have no words. */
export function calendar(told: { day: string; words: number }[], today: string, count: number): { day: string; words: number }[] {
  const words = new Map(told.map(({ day, words }) => [day, words]));
  const last = Date.parse(`${today}T00:00:00Z`);
  return Array.from({ length: count }, (_, index) => {
    const day = new Date(last - (count - 1 - index) * 86_400_000).toISOString().slice(0, 10);
    return { day, words: words.get(day) ?? 0 };
  });
}

/** The next 1, 2 or 5 times a power of ten that is not below the number. */
export function niceTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 10)));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= most) ?? power * 10;
}
