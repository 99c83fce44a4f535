# SPDX-License-Identifier: GPL-2.0
#
# fill.gp - what an allocation of a page and its free cost, with more and more of
# the pool in use. In: fill.dat, "PAGES KERNEL MODULE". Out: fill.svg.
load ARG0[1:strlen(ARG0) - strlen("fill.gp")] . "style.gp"
set output "fill.svg"

set title "Cost of dma\\_alloc\\_coherent() and dma\\_free\\_coherent() of 4 KiB"
set xlabel "pages in use, of 1024"
set ylabel "guest instructions a pair"
set xrange [0:1024]
set yrange [300:100000]
set xtics 128
set label "the kernel's global pool" at 600, 42000 center textcolor rgb kernel_colour
set label "dma-alias-pool" at 600, 1000 center textcolor rgb module_colour

only(at, x, y) = x == at ? commas(y) : ""
plot "fill.dat" using 1:2 with linespoints ls 1 notitle, \
	"" using 1:2:(only(0, $1, $2)) with labels offset 0.8, 0.7 left \
		textcolor rgb kernel_colour notitle, \
	"" using 1:2:(only(1023, $1, $2)) with labels offset 0.6, 0.9 right \
		textcolor rgb kernel_colour notitle, \
	"" using 1:3 with linespoints ls 2 notitle, \
	"" using 1:3:(only(0, $1, $3)) with labels offset 0.8, -0.9 left \
		textcolor rgb module_colour notitle, \
	"" using 1:3:(only(1023, $1, $3)) with labels offset 0.6, -1 right \
		textcolor rgb module_colour notitle
