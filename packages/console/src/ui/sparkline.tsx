/** A small chart of counts, the newest on the right. What it shows is said in words besides. */
const WIDTH = 120;
const HEIGHT = 20;

export function Sparkline({ counts, label }: { readonly counts: readonly number[]; readonly label: string }) {
  const most = Math.max(...counts, 1);
  const step = WIDTH / Math.max(counts.length, 1);
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      {counts.map((count, at) => {
        const height = count === 0 ? 0 : Math.max((count / most) * HEIGHT, 1);
        // oxlint-disable-next-line react/no-array-index-key -- a minute has no other name
        return <rect key={at} x={at * step} y={HEIGHT - height} width={step * 0.8} height={height} />;
      })}
    </svg>
  );
}
