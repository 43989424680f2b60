/** A small chart of counts, the newest on the right. What it shows is said in words besides. */
const WIDTH = 120;
const HEIGHT = 20;

export function Sparkline({ counts, label }: { readonly counts: readonly number[]; readonly label: string }) {
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      <path d={barsOf(counts)} />
    </svg>
  );
}

/** All bars are one element: a page with hundreds of functions would have tens of thousands. */
function barsOf(counts: readonly number[]): string {
  const most = Math.max(...counts, 1);
  const step = WIDTH / Math.max(counts.length, 1);
  let bars = "";
  for (const [at, count] of counts.entries()) {
    if (count === 0) continue;
    const height = Math.max((count / most) * HEIGHT, 1);
    bars += `M${(at * step).toFixed(1)} ${HEIGHT}v${(-height).toFixed(1)}h${(step * 0.8).toFixed(1)}V${HEIGHT}z`;
  }
  return bars;
}
