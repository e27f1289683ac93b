// A chart of values over the last minutes, and beside it the same as a table: what is now, lowest and
// highest. The drawing is for the eye alone; a moment of it, pointed at or walked to with the arrow
// keys, has its values in the table.
// uPlot is loaded when the first chart is shown.

import { css, html, type PropertyValues, type TemplateResult, unsafeCSS } from "lit";
import { property, query, state } from "lit/decorators.js";
import type uPlot from "uplot";
import plotStyle from "uplot/dist/uPlot.min.css?inline";
import { base, cards } from "../design/shared.ts";
import { timeOfReading } from "../i18n/format.ts";
import { define, TongkeElement } from "./element.ts";

export interface ChartSeries {
  readonly label: string;
  /** Which colour and stroke it has: the same thing looks the same in every chart. */
  readonly sign: number;
  /** One for each time; null where nothing was measured. */
  readonly values: readonly (number | null)[];
}

const HEIGHT_PX = 160;
const COLOURS = 6;
// Lines differ by their strokes too, for those who do not see the colours.
const DASHES = [[], [8, 4], [2, 3], [12, 4, 2, 4]];

export class Chart extends TongkeElement {
  static override styles = [
    base,
    cards,
    unsafeCSS(plotStyle),
    css`
      :host {
        display: block;
        min-width: 0;
      }
      figure {
        display: grid;
        align-content: start;
        gap: 8px;
        margin: 0;
      }
      figcaption {
        font-weight: 600;
      }
      .plot:focus-visible {
        outline-offset: -3px;
      }
      .plot {
        height: ${HEIGHT_PX}px;
        overflow: hidden;
      }
      th,
      td {
        padding: 3px 8px;
        font-size: var(--text-small);
      }
      td {
        font-variant-numeric: tabular-nums;
      }
      th + th,
      td {
        text-align: end;
        white-space: nowrap;
      }
      tbody th {
        color: var(--ink);
        font-weight: 400;
        overflow-wrap: anywhere;
      }
      tr:last-child > * {
        border-bottom: 0;
      }
      svg {
        margin-inline-end: 6px;
        vertical-align: middle;
      }
    `,
  ];

  @property() heading = "";
  /** Seconds since 1970, ascending. */
  @property({ attribute: false }) times: readonly number[] = [];
  @property({ attribute: false }) series: readonly ChartSeries[] = [];
  @property({ attribute: false }) format: (value: number) => string = String;
  /** The scale reaches at least so far, so that a trifle does not look like a mountain. */
  @property({ type: Number }) least = 1;

  @query(".plot") private readonly place!: HTMLElement;
  @state() private pointed: number | null = null;
  private plot: uPlot | null = null;
  private drawn = "";
  private resizing: ResizeObserver | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.resizing = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry?.contentRect.width ?? 0);
      if (width > 0) this.plot?.setSize({ width, height: HEIGHT_PX });
    });
    if (this.hasUpdated) this.resizing.observe(this.place);
  }

  override disconnectedCallback(): void {
    this.resizing?.disconnect();
    this.plot?.destroy();
    this.plot = null;
    super.disconnectedCallback();
  }

  protected override firstUpdated(): void {
    this.resizing?.observe(this.place);
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("times") || changed.has("series")) void this.draw();
  }

  private async draw(): Promise<void> {
    const { default: Plot } = await import("uplot");
    if (!this.isConnected) return;
    const data: uPlot.AlignedData = [
      [...this.times],
      ...this.series.map((one) => [...one.values]),
    ];
    // The labels are part of the drawing's shape: with other lines it is a new one.
    const shape = JSON.stringify([this.series.map((one) => [one.label, one.sign]), this.heading]);
    if (this.plot && this.drawn === shape) {
      this.plot.setData(data);
      return;
    }
    this.plot?.destroy();
    this.plot = new Plot(this.options(), data, this.place);
    this.drawn = shape;
  }

  private options(): uPlot.Options {
    const token = (name: string): string => getComputedStyle(this).getPropertyValue(name).trim();
    const axis = {
      stroke: token("--ink-soft"),
      grid: { stroke: token("--line"), width: 1 },
      ticks: { stroke: token("--line"), width: 1 },
      font: `12px ${token("--font")}`,
    };
    return {
      width: Math.max(120, Math.floor(this.place.clientWidth)),
      height: HEIGHT_PX,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false },
      scales: {
        x: { range: () => extentOf(this.times) },
        y: { range: (_plot, _low, high) => [0, Math.max(this.least, high * 1.1)] },
      },
      axes: [
        { ...axis, size: 30, space: 90, values: (_plot, splits) => this.moments(splits) },
        { ...axis, size: 72, space: 36, values: (_plot, splits) => splits.map(this.format) },
      ],
      series: [
        {},
        ...this.series.map((one) => ({
          label: one.label,
          stroke: token(colourOf(one.sign)),
          width: 2,
          dash: dashOf(one.sign),
          points: { show: false },
        })),
      ],
      hooks: {
        setCursor: [(plot) => (this.pointed = plot.cursor.idx ?? null)],
      },
    };
  }

  override render(): TemplateResult {
    const { measures } = this.m;
    const at = this.pointed === null ? undefined : this.times[this.pointed];
    const first = at === undefined ? measures.now : timeOfReading(at);
    return html`<figure>
      <figcaption>${this.heading}</figcaption>
      <div
        class="plot"
        role="slider"
        tabindex="0"
        aria-label=${measures.moment(this.heading)}
        aria-valuemin="0"
        aria-valuemax=${Math.max(0, this.times.length - 1)}
        aria-valuenow=${this.pointed ?? Math.max(0, this.times.length - 1)}
        aria-valuetext=${this.inWords(first)}
        @keydown=${this.walk}
        @blur=${() => this.point(null)}
      ></div>
      <table aria-label=${this.heading}>
        <thead>
          <tr>
            <th scope="col"><span class="visually-hidden">${measures.line}</span></th>
            <th scope="col">${first}</th>
            <th scope="col">${measures.lowest}</th>
            <th scope="col">${measures.highest}</th>
          </tr>
        </thead>
        <tbody>
          ${this.series.length > 0
            ? this.series.map((one) => this.row(one))
            : html`<tr>
                <th scope="row" class="soft">${measures.nothing}</th>
                <td></td>
                <td></td>
                <td></td>
              </tr>`}
        </tbody>
      </table>
    </figure>`;
  }

  /** The words below the time axis: none where nothing was measured, and none twice. */
  private moments(splits: readonly number[]): string[] {
    if (this.times.length === 0) return splits.map(() => "");
    const words = splits.map(timeOfReading);
    return words.map((one, place) => (one === words[place - 1] ? "" : one));
  }

  private inWords(moment: string): string {
    return [moment, ...this.series.map((one) => `${one.label} ${this.at(one)}`)].join(", ");
  }

  /** The arrow keys go through the readings, a tenth of them with the page keys. */
  private walk(event: KeyboardEvent): void {
    const last = this.times.length - 1;
    const page = Math.max(1, Math.round(last / 10));
    const steps: Partial<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      PageDown: -page,
      PageUp: page,
      Home: -last,
      End: last,
    };
    const step = steps[event.key];
    if (event.key === "Escape") this.point(null);
    if (step === undefined || last < 0) return;
    event.preventDefault();
    this.point(Math.min(last, Math.max(0, (this.pointed ?? last) + step)));
  }

  private point(place: number | null): void {
    const { plot } = this;
    const time = place === null ? undefined : this.times[place];
    // Beyond the drawing's edge the cursor is gone.
    const left = plot && time !== undefined ? plot.valToPos(time, "x") : -10;
    plot?.setCursor({ left, top: 0 });
    this.pointed = place;
  }

  private at(one: ChartSeries): string {
    return this.words(one.values[this.pointed ?? one.values.length - 1] ?? null);
  }

  private words(value: number | null): string {
    return value === null ? "–" : this.format(value);
  }

  private row(one: ChartSeries): TemplateResult {
    const known = one.values.filter((value) => value !== null);
    return html`<tr>
      <th scope="row">${stroke(one.sign)}${one.label}</th>
      <td>${this.at(one)}</td>
      <td>${this.words(known.length ? Math.min(...known) : null)}</td>
      <td>${this.words(known.length ? Math.max(...known) : null)}</td>
    </tr>`;
  }
}

/** From when to when is drawn; of a lone moment or none uPlot itself would make a day, or 1970. */
export function extentOf(times: readonly number[]): [number, number] {
  const first = times[0] ?? 0;
  const last = times.at(-1) ?? 0;
  return first === last ? [first - 1, last + 1] : [first, last];
}

function colourOf(index: number): string {
  return `--chart-${(index % COLOURS) + 1}`;
}

function dashOf(index: number): number[] {
  return DASHES[index % DASHES.length] ?? [];
}

/** A bit of the line, before its name. */
function stroke(index: number): TemplateResult {
  return html`<svg width="24" height="8" aria-hidden="true">
    <line
      x1="0"
      x2="24"
      y1="4"
      y2="4"
      stroke-width="3"
      stroke-dasharray=${dashOf(index).join(" ")}
      style="stroke: var(${colourOf(index)})"
    />
  </svg>`;
}

define("tk-chart", Chart);
