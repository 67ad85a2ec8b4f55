/** A line of a chart. Values that are not finite leave a gap. */
export interface ChartSeries {
  name: string;
  points: readonly ChartPoint[];
  /** Index into the palette; default: the series' place. */
  color?: number;
  dashed?: boolean;
  /** False keeps the series out of the legend. */
  legend?: boolean;
}

export interface ChartPoint {
  x: number;
  y: number;
}

export interface LineChart {
  title: string;
  series: readonly ChartSeries[];
  xLabel?: string;
  /** Ticks of the x axis at whole numbers only. */
  xIntegers?: boolean;
  yScale?: 'linear' | 'log';
  /** The y axis reaches at least down to this; without effect on a log scale if it is not positive. */
  yMin?: number;
  /** In CSS pixels; default 720 x 400. */
  width?: number;
  height?: number;
}
