package main

import (
	"fmt"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

const (
	pictureWidth  = 9 * vg.Inch
	pictureHeight = 5 * vg.Inch
)

// draw makes a picture of the depth over time, and the heap below it.
func (t trial) draw(path string) error {
	depth, err := curve("depth, moves", t.samples, color.RGBA{R: 0x1f, G: 0x60, B: 0xc4, A: 0xff},
		func(s sample) float64 { return float64(s.Depth) })
	if err != nil {
		return err
	}
	heap, err := curve("heap, MB", t.samples, color.RGBA{R: 0xc4, G: 0x56, B: 0x1f, A: 0xff},
		func(s sample) float64 { return float64(s.Heap) / 1e6 })
	if err != nil {
		return err
	}
	if err := t.addLiveHeap(heap); err != nil {
		return err
	}
	depth.Title.Text = fmt.Sprintf("%s: moves waiting for the game loop, and heap in use (garbage included)", t.Mode)
	heap.X.Label.Text = "seconds"

	canvas := vgimg.New(pictureWidth, pictureHeight)
	plots := [][]*plot.Plot{{depth}, {heap}}
	tiles := plot.Align(plots, draw.Tiles{Rows: 2, Cols: 1, PadY: 3 * vg.Millimeter, PadTop: 2 * vg.Millimeter,
		PadBottom: 2 * vg.Millimeter, PadLeft: 2 * vg.Millimeter, PadRight: 4 * vg.Millimeter}, draw.New(canvas))
	for row := range plots {
		plots[row][0].Draw(tiles[row][0])
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(file); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

// curve is one value over time, from 0 up.
func curve(label string, samples []sample, c color.Color, value func(sample) float64) (*plot.Plot, error) {
	points := make(plotter.XYs, len(samples))
	for i, s := range samples {
		points[i] = plotter.XY{X: s.At.Seconds(), Y: value(s)}
	}
	line, err := plotter.NewLine(points)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", label, err)
	}
	line.Color, line.Width = c, vg.Points(1.5)
	p := plot.New()
	p.Y.Label.Text = label
	p.Add(plotter.NewGrid(), line)
	p.X.Min, p.X.Tick.Marker = 0, plot.TickerFunc(ticks)
	p.Y.Min, p.Y.Max, p.Y.Tick.Marker = 0, 1.05*max(p.Y.Max, 1), plot.TickerFunc(ticks)
	return p, nil
}

// addLiveHeap marks what was left after the two collections that the table has.
func (t trial) addLiveHeap(p *plot.Plot) error {
	if t.Heap == 0 {
		return nil // cut short
	}
	end := t.samples[len(t.samples)-1].At
	points, err := plotter.NewScatter(plotter.XYs{
		{X: (end - t.Ran/2).Seconds(), Y: float64(t.HeapHalf) / 1e6},
		{X: end.Seconds(), Y: float64(t.Heap) / 1e6},
	})
	if err != nil {
		return err
	}
	points.Shape, points.Radius = draw.CircleGlyph{}, vg.Points(4)
	p.Add(points)
	p.Legend.Add("live, after a collection", points)
	p.Legend.Top, p.Legend.Left = true, true
	return nil
}

// ticks are the usual ones, labelled as the table's numbers are.
func ticks(low, high float64) []plot.Tick {
	all := plot.DefaultTicks{}.Ticks(low, high)
	for i := range all {
		if all[i].Label != "" {
			all[i].Label = count(int64(all[i].Value))
		}
	}
	return all
}
