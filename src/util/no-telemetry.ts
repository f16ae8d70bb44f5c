/**
 * Import before `onnxruntime-node`. From 1.30 on its Linux and macOS libraries send usage data to Microsoft and leave a log
 * file in the folder for temporary files, unless this variable is set before the library is loaded
 * (microsoft/onnxruntime#27379). Who sets it, to whatever value, decides. In a worker thread it has no effect: the
 * process that starts the thread must set it.
 */
process.env['ORT_DISABLE_TELEMETRY'] ??= '1'
