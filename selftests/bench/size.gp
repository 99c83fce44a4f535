# SPDX-License-Identifier: GPL-2.0
#
# size.gp - what get and put cost in fragmented pools of growing size. In:
# size.dat, "PAGES WORST-KERNEL WORST-MODULE MEAN-KERNEL MEAN-MODULE". Out:
# size.svg.
load ARG0[1:strlen(ARG0) - strlen("size.gp")] . "style.gp"
set output "size.svg"

set title "Cost of a get and a put in a fragmented pool, allocator alone"
set xlabel "pages of the pool"
set ylabel "guest instructions a pair"
set logscale x 2
set xrange [45:93000]
set yrange [95:1100000]
set xtics (64, 256, "1,024" 1024, "4,096" 4096, "16,384" 16384, "65,536" 65536)
set key top left Left reverse samplen 3
plot "size.dat" using 1:2 with linespoints ls 1 title "the kernel's bitmap, worst of 4,000", \
	"size.dat" using 1:4 with linespoints ls 3 title "the kernel's bitmap, mean", \
	"size.dat" using 1:3 with linespoints ls 2 title "dma-alias-pool, worst of 4,000", \
	"size.dat" using 1:5 with linespoints ls 4 title "dma-alias-pool, mean"
