// @vitest-environment happy-dom
// What stands along a chart's time axis.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { timeOfReading } from "../src/i18n/format.ts";
import { mounted, settled } from "./page_on_its_own.ts";

interface Axis {
  values: (plot: null, splits: number[]) => string[];
}
interface Drawn {
  axes: [Axis, Axis];
  scales: { x: { range: () => [number, number] } };
}

const drawn: Drawn[] = [];
vi.mock("uplot", () => ({
  default: class {
    constructor(options: Drawn) {
      drawn.push(options);
    }
    destroy = (): void => undefined;
    setData = (): void => undefined;
    setCursor = (): void => undefined;
  },
}));

async function chart(times: number[]): Promise<Drawn> {
  drawn.length = 0;
  await import("../src/components/chart.ts");
  await mounted("tk-chart", { heading: "Load", times, series: [] });
  await settled();
  const [one] = drawn;
  if (!one) throw new Error("nothing was drawn");
  return one;
}

afterEach(() => void vi.useRealTimers());

beforeEach(async () => {
  vi.useFakeTimers();
  const { startLanguage } = await import("../src/i18n/index.ts");
  await startLanguage();
});

it("says no time where nothing was measured", async () => {
  const { axes, scales } = await chart([]);
  const [from, to] = scales.x.range();
  expect(to).toBeGreaterThan(from);
  expect(axes[0].values(null, [0, 1, 2])).toEqual(["", "", ""]);
});

it("stands around a lone moment, and says no time twice", async () => {
  const { axes, scales } = await chart([5000]);
  expect(scales.x.range()).toEqual([4999, 5001]);
  const said = axes[0].values(null, [4999, 4999.5, 5000, 5000.5]);
  expect(said).toEqual([timeOfReading(4999), "", timeOfReading(5000), ""]);
});

it("reaches from the first moment to the last", async () => {
  const { scales } = await chart([5000, 5010, 5030]);
  expect(scales.x.range()).toEqual([5000, 5030]);
});
