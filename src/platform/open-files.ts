/** Files and sockets that this process may have open at once; infinite where the system does not say. */
export function openFilesMax(): number {
  // Looking up the names of its peers takes long.
  Object.assign(process.report, { excludeNetwork: true });
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft: number | string } } };
  const soft = Number(userLimits?.open_files?.soft);
  return Number.isNaN(soft) ? Infinity : soft;
}
