/** Classes that stand for a layer or a model in Keras 2 and 3. Source: keras.io/api/layers. */
export const kerasLayers: ReadonlySet<string> = new Set(
  `Sequential Functional Model InputLayer Dense EinsumDense Activation Embedding Masking Identity Lambda
  Conv1D Conv2D Conv3D SeparableConv1D SeparableConv2D DepthwiseConv1D DepthwiseConv2D Conv1DTranspose Conv2DTranspose
  Conv3DTranspose Convolution1D Convolution2D Convolution3D
  MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D GlobalMaxPooling1D
  GlobalMaxPooling2D GlobalMaxPooling3D GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
  AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveMaxPooling1D AdaptiveMaxPooling2D
  LSTM LSTMCell GRU GRUCell SimpleRNN SimpleRNNCell TimeDistributed Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D RNN
  StackedRNNCells
  TextVectorization Normalization SpectralNormalization Discretization CategoryEncoding Hashing HashedCrossing
  StringLookup IntegerLookup Resizing Rescaling CenterCrop RandomCrop RandomFlip RandomTranslation RandomRotation
  RandomZoom RandomHeight RandomWidth RandomContrast RandomBrightness AugMix CutMix MixUp RandAugment RandomErasing
  BatchNormalization LayerNormalization UnitNormalization GroupNormalization RMSNormalization
  Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianDropout GaussianNoise AlphaDropout
  ActivityRegularization
  MultiHeadAttention Attention AdditiveAttention GroupedQueryAttention
  Reshape Flatten RepeatVector Permute Cropping1D Cropping2D Cropping3D UpSampling1D UpSampling2D UpSampling3D
  ZeroPadding1D ZeroPadding2D ZeroPadding3D
  Concatenate Average Maximum Minimum Add Subtract Multiply Dot
  ReLU Softmax LeakyReLU PReLU ELU ThresholdedReLU TFOpLambda SlicingOpLambda`.split(/\s+/),
)
