// Package figure makes figures out of measurements, and tables out of figures.
package figure

import (
	"math"
	"slices"
)

// Quantile returns the value below which the share q of the ascending values lies, interpolated
// between the two nearest ones. Of no values it is not a number.
func Quantile(ascending []float64, q float64) float64 {
	if len(ascending) == 0 {
		return math.NaN()
	}
	at := q * float64(len(ascending)-1)
	below := int(math.Floor(at))
	above := min(below+1, len(ascending)-1)
	return ascending[below] + (at-float64(below))*(ascending[above]-ascending[below])
}

// Spread is the middle of several values and how far apart they are.
type Spread struct {
	// Median has as many values below as above.
	Median float64 `json:"median"`
	// Quartile1 and Quartile3 hold the middle half of the values between them.
	Quartile1 float64 `json:"quartile1"`
	Quartile3 float64 `json:"quartile3"`
}

func SpreadOf(values []float64) Spread {
	ascending := slices.Sorted(slices.Values(values))
	return Spread{
		Median:    Quantile(ascending, 0.5),
		Quartile1: Quantile(ascending, 0.25),
		Quartile3: Quantile(ascending, 0.75),
	}
}

// PairedRatios divides each value by the base's value of the same round.
func PairedRatios(values, base []float64) []float64 {
	ratios := make([]float64, len(values))
	for i := range values {
		ratios[i] = values[i] / base[i]
	}
	return ratios
}
