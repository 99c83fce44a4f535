// SPDX-License-Identifier: GPL-2.0
/*
 * A driver with a mistake, for Documentation/missing-sync.md.
 *
 * It has the DMA engine of the emulated machine fill one buffer again and again, as a
 * network card does with its ring of receive buffers: mapped once, used for ever.
 * What it forgets is in receive().
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/platform_device.h>

/* registers, and what a descriptor has: selftests/cache/engine.c */
#define RING	0x00
#define COUNT	0x04
#define BELL	0x10

struct descriptor {
	__le32 src;
	__le32 dst;
	__le32 ctrl;
#define OWN	BIT(31)
#define FILL	BIT(30)
	__le32 status;
#define DONE	BIT(31)
};

#define SIZE	1024

struct rx {
	struct device *dev;
	void __iomem *regs;
	struct descriptor *ring;	/* one descriptor, coherent */
	u32 *buffer;			/* not coherent: streaming DMA */
	dma_addr_t dma;
};

static bool device_fills(struct rx *rx, u32 word)
{
	unsigned int i;

	rx->ring->src = cpu_to_le32(word);
	rx->ring->dst = cpu_to_le32(rx->dma);
	rx->ring->status = 0;
	dma_wmb();
	WRITE_ONCE(rx->ring->ctrl, cpu_to_le32(OWN | FILL | SIZE));
	writel(1, rx->regs + BELL);
	for (i = 0; i < 1000; i++) {
		if (le32_to_cpu(READ_ONCE(rx->ring->status)) & DONE)
			return true;
		usleep_range(10, 20);
	}
	return false;
}

static void receive(struct rx *rx, u32 word)
{
	unsigned int i, wrong = 0;

#ifdef MISSING_SYNC_FIXED
	dma_sync_single_for_device(rx->dev, rx->dma, SIZE, DMA_FROM_DEVICE);
#endif
	if (!device_fills(rx, word)) {
		dev_err(rx->dev, "the device does not answer\n");
		return;
	}
	/* The mistake: nobody says that it is the CPU's turn now. */
#ifdef MISSING_SYNC_FIXED
	dma_sync_single_for_cpu(rx->dev, rx->dma, SIZE, DMA_FROM_DEVICE);
#endif
	for (i = 0; i < SIZE / 4; i++)
		wrong += READ_ONCE(rx->buffer[i]) != word;
	dev_info(rx->dev, "packet of 0x%08x: %u of %u words are wrong\n", word,
		 wrong, SIZE / 4);
}

static int missing_sync_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	dma_addr_t ring;
	struct rx *rx;

	rx = devm_kzalloc(dev, sizeof(*rx), GFP_KERNEL);
	if (!rx)
		return -ENOMEM;
	rx->dev = dev;
	rx->regs = devm_platform_ioremap_resource(pdev, 0);
	if (IS_ERR(rx->regs))
		return PTR_ERR(rx->regs);
	rx->ring = dmam_alloc_coherent(dev, sizeof(*rx->ring), &ring, GFP_KERNEL);
	rx->buffer = devm_kzalloc(dev, SIZE, GFP_KERNEL);
	if (!rx->ring || !rx->buffer)
		return -ENOMEM;
	rx->dma = dma_map_single(dev, rx->buffer, SIZE, DMA_FROM_DEVICE);
	if (dma_mapping_error(dev, rx->dma))
		return -EIO;

	writel(ring, rx->regs + RING);
	writel(1, rx->regs + COUNT);
	receive(rx, 0x11111111);
	receive(rx, 0x22222222);
	receive(rx, 0x33333333);
	dma_unmap_single(dev, rx->dma, SIZE, DMA_FROM_DEVICE);
	return 0;
}

static const struct of_device_id missing_sync_match[] = {
	{ .compatible = "dma-alias-pool,engine" },
	{ }
};
MODULE_DEVICE_TABLE(of, missing_sync_match);

static struct platform_driver missing_sync_driver = {
	.probe	= missing_sync_probe,
	.driver	= {
		.name		= "missing-sync",
		.of_match_table	= missing_sync_match,
	},
};
module_platform_driver(missing_sync_driver);

MODULE_DESCRIPTION("A driver that forgets to sync, for the documentation");
MODULE_LICENSE("GPL");
