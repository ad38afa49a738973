/** The artwork of a track or playlist; without one a picture that its id makes, always the same. */
export function Cover({ id, url }: { id: string; url: string | null }) {
  if (url) return <img className="cover" src={url} alt="" loading="lazy" />;
  const seeds = [...id.replaceAll("-", "")].map((digit) => Number.parseInt(digit, 16));
  const hue = seeds.slice(-6).reduce((sum, each) => sum * 7 + each, 0) % 360;
  const bars = seeds.slice(-9).map((each, n) => ({ x: 14 + n * 9, height: 14 + each * 3.4 }));
  return (
    <svg className="cover" viewBox="0 0 100 100" aria-hidden="true">
      <rect width="100" height="100" fill={`hsl(${hue} 42% 34%)`} />
      <circle cx={seeds.at(-1)! * 6} cy={seeds.at(-2)! * 6} r="52" fill={`hsl(${(hue + 40) % 360} 55% 46%)`} />
      {bars.map(({ x, height }) => (
        <rect key={x} x={x - 2} y={50 - height / 2} width="4" height={height} rx="2" fill="#fff" fillOpacity="0.86" />
      ))}
    </svg>
  );
}
