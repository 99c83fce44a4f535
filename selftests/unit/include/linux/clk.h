/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_UNIT_LINUX_CLK_H
#define DAP_UNIT_LINUX_CLK_H

struct clk_bulk_data;
struct device;

int clk_bulk_get_all(struct device *dev, struct clk_bulk_data **clks);
void clk_bulk_put_all(int num_clks, struct clk_bulk_data *clks);
int clk_bulk_prepare_enable(int num_clks, const struct clk_bulk_data *clks);
void clk_bulk_disable_unprepare(int num_clks, const struct clk_bulk_data *clks);

#endif /* DAP_UNIT_LINUX_CLK_H */
