/* SPDX-License-Identifier: GPL-2.0 */
/* The test says who is behind an IOMMU. */
#ifndef DAP_UNIT_LINUX_IOMMU_H
#define DAP_UNIT_LINUX_IOMMU_H

struct device;
struct iommu_domain;

struct iommu_domain *iommu_get_domain_for_dev(struct device *dev);

#endif /* DAP_UNIT_LINUX_IOMMU_H */
