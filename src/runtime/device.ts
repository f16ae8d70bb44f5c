/** Where a model can run: execution providers of ONNX Runtime by the names it gives them. */
export const deviceNames = ['cpu', 'cuda', 'tensorrt', 'webgpu'] as const
